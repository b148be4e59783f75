"""Secrets and signatures of webhooks, by the examples and the words of Standard Webhooks."""

from __future__ import annotations

import base64

from shared.access.webhook_secrets import new_secret, signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def test_the_signature_is_that_of_the_published_example() -> None:
    # From the tests of the libraries of Standard Webhooks, which are the same in each language.
    signed = signatures(
        (SECRET,), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_and_the_signatures_are_in_order() -> None:
    both = signatures((OTHER, SECRET), "msg_1", 1, b"{}")
    alone = [signatures((secret,), "msg_1", 1, b"{}") for secret in (OTHER, SECRET)]
    assert both == " ".join(alone)
    assert alone[0] != alone[1]


def test_id_time_and_content_are_signed() -> None:
    signed = {
        signatures((SECRET,), *message)
        for message in (
            ("msg_1", 1, b"{}"),
            ("msg_2", 1, b"{}"),
            ("msg_1", 2, b"{}"),
            ("msg_1", 1, b"{ }"),
        )
    }
    assert len(signed) == 4


def test_a_new_secret_has_256_random_bits() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first[6:], validate=True)) == 32
