"""A relying party in Python:

    verify.py URL POLICY COMMAND [ARGUMENT...]

URL is that of nitroattest-server, POLICY the name of one of its policies. The
command asks the enclave: it gets the challenge as its last argument and prints
the enclave's document in base64.

Exit status: 0 accepted, 1 refused, 2 no verdict.
"""

import base64
import subprocess
import sys

import nitroattest


def main(arguments: list) -> int:
    if len(arguments) < 3:
        print("usage: verify.py URL POLICY COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    url, policy, *command = arguments
    server = nitroattest.Server(url)
    try:
        challenge = server.challenge()
        printed = subprocess.run([*command, challenge], check=True, stdout=subprocess.PIPE).stdout
        document = base64.b64decode(printed)
        verdict = server.verify(policy, challenge, document)
    except (nitroattest.NoVerdict, subprocess.CalledProcessError, OSError, ValueError) as error:
        print(f"no verdict: {error}", file=sys.stderr)
        return 2
    if not verdict.accepted:
        print(f"refused: {verdict.reason}")
        return 1
    print(f"accepted: {verdict.image_name} in {verdict.module_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
