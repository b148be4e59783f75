"""The OpenAPI document of the gateway, one module per area.

Schemas of answers come from `shared.api`, errors from `shared.errors`. Paths and parameters are
written by hand; tests compare them with the routes and with real answers.
"""
