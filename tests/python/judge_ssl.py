"""Judges certificates with a TLS handshake in memory, in which both sides are strict."""

import argparse
import json
import ssl


class Refused(Exception):
    """One side refuses the certificate of the other."""


def context(protocol, ca, cert, key):
    made = ssl.SSLContext(protocol)
    made.verify_mode = ssl.CERT_REQUIRED
    # Python 3.13's default, which is set here because the installed Python may be older.
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(ca)
    if cert:
        made.load_cert_chain(cert, key)
    return made


def step(side, action):
    """Advances one side as far as possible; returns whether its handshake is complete."""
    try:
        action()
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError as error:
        raise Refused(f"{side}: {error}") from error
    return True


def handshake(server_context, client_context, host):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    # A handshake takes three or four turns; more turns mean that both sides wait.
    for _ in range(10):
        done = [step("client", client.do_handshake), step("server", server.do_handshake)]
        if all(done):
            return server.version()
    raise Refused("the handshake does not end")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True, help="what the client dials")
    for side in "server", "client":
        parser.add_argument(f"--{side}-ca", required=True)
        parser.add_argument(f"--{side}-cert")
        parser.add_argument(f"--{side}-key")
    options = parser.parse_args()
    try:
        server = context(ssl.PROTOCOL_TLS_SERVER, options.server_ca, options.server_cert, options.server_key)
        client = context(ssl.PROTOCOL_TLS_CLIENT, options.client_ca, options.client_cert, options.client_key)
        verdict = {"ok": True, "version": handshake(server, client, options.host)}
    except (Refused, ssl.SSLError) as error:
        verdict = {"ok": False, "error": str(error)}
    print(json.dumps(verdict))


if __name__ == "__main__":
    main()
