"""The OpenAPI document: what the gateway takes and answers, one module an area.

Written by hand, in the values that the JSON has. What errors mean is taken from the tables of
`gateway.http`; that routes and answers are as described is tested.
"""
