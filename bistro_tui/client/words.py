"""What to tell of a scheduler that refuses, or is not trusted. Loads little."""

import ssl

from bistro_tui.client.address import Address

_WRONG_NAME = (62, 64)
"""Source: OpenSSL, X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


def of_other_version(address: Address, handler: str, text: str) -> str:
    """Return the refusal of a handler, in our words where the other side has none."""
    if text != f"Unknown handler: {handler}":
        return text
    return (
        f"{address}: that scheduler is of another version and knows no {handler};"
        " start it again with this one"
    )


def refusal(address: Address, status: int, text: str) -> str:
    """Return what to tell of an HTTP status, with its text where that helps."""
    if status == 403:
        return f"the scheduler does not serve by this name: {text}"
    if status != 401:
        return text
    if address.token_file is not None:
        return f"the token in {address.token_file} is not this scheduler's"
    if address.token:
        return "the token is not this scheduler's"
    return (
        "the scheduler wants its token: name the file with --token-file FILE or"
        " BISTRO_TUI_TOKEN_FILE"
    )


def untrusted(address: Address, error: object) -> str:
    """Return what to tell of a certificate that failed its check."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"{address}: its certificate is not trusted ({error})"
    if error.verify_code in _WRONG_NAME:
        return (
            f"{address}: its certificate is for another name ({error.verify_message});"
            " name the host as the certificate does"
        )
    return (
        f"{address}: its certificate is not trusted ({error.verify_message}); name"
        " whose it is with --tls-ca FILE"
    )
