#!/bin/sh
# A relying party with curl and jq:
#
#     verify.sh URL POLICY COMMAND [ARGUMENT...]
#
# URL is that of nitroattest-server, POLICY the name of one of its policies. The
# command asks the enclave: it gets the challenge as its last argument and prints
# the enclave's document in base64.
#
# Exit status: 0 accepted, 1 refused, 2 no verdict.
set -eu
[ $# -ge 3 ] || { echo "usage: verify.sh URL POLICY COMMAND [ARGUMENT...]" >&2; exit 2; }
server=${1%/} policy=$2
shift 2

# fail says what went wrong where there is no verdict.
fail() {
	echo "no verdict: $1" >&2
	exit 2
}

# --fail-with-body makes every status but 2xx an error, and keeps the server's
# explanation, which is a problem detail (RFC 9457).
post() {
	curl -sS --fail-with-body --max-time 30 "$server$1" --json "$2"
}

answer=$(post /v1/challenges '{}') || fail "$answer"
challenge=$(printf %s "$answer" | jq -er .challenge) || fail "the server gave no challenge"

document=$("$@" "$challenge") || fail "the enclave gave no document"

request=$(jq -n --arg policy "$policy" --arg challenge "$challenge" --arg document "$document" \
	'{policy: $policy, challenge: $challenge, document: $document, report: "brief"}')
verdict=$(post /v1/verify "$request") || fail "$verdict"

# The status says that there is a verdict, and "accepted" alone which one.
if printf %s "$verdict" | jq -e '.accepted == true' >/dev/null; then
	printf %s "$verdict" | jq -r '"accepted: \(.image_name) in \(.module_id)"'
else
	printf %s "$verdict" | jq -er '"refused: \(.reason)"' || fail "the server said something else than a verdict"
	exit 1
fi
