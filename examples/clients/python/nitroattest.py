"""A client of nitroattest-server, on Python's standard library alone.

    server = Server("http://127.0.0.1:8080")
    challenge = server.challenge()
    document = ask_your_enclave(challenge)
    verdict = server.verify("prod", challenge, document)
    if verdict.accepted:
        ...

The challenge is base64url of the nonce that the enclave puts into its document,
see nonce().
"""

import base64
import dataclasses
import json
import typing
import urllib.error
import urllib.request

TIMEOUT = 30  # seconds for one request
MAX_ANSWER = 1 << 20  # bytes


class NoVerdict(Exception):
    """The server could not be asked, or gave no verdict. Nothing is known of the document."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the server says of a document. Trust the enclave if accepted is True and
    in no other case."""

    accepted: bool
    authentic: bool
    reason: str  # empty when accepted
    detail: str
    image_name: typing.Optional[str]
    module_id: typing.Optional[str]
    public_key: typing.Optional[bytes]
    user_data: typing.Optional[bytes]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A document is for the server that was asked, and so is the trust in its answer."""

    def redirect_request(self, *_):
        return None


class Server:
    """A nitroattest-server. Beyond loopback its URL is https; context is an
    ssl.SSLContext, for a private authority or a client certificate."""

    def __init__(self, url: str, context=None):
        self._url = url.rstrip("/")
        handlers = [_NoRedirect()]
        if context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def challenge(self) -> str:
        """Returns a challenge for one exchange."""
        challenge = self._post("/v1/challenges", {}, 201).get("challenge")
        if not isinstance(challenge, str):
            raise NoVerdict("the server gave no challenge")
        return challenge

    def verify(
        self,
        policy: str,
        challenge: str,
        document: bytes,
        *,
        user_data: typing.Optional[bytes] = None,
        public_key: typing.Optional[bytes] = None,
    ) -> Verdict:
        """Has the document verified. None expects nothing of a field."""
        request = {
            "policy": policy,
            "challenge": challenge,
            "document": base64.b64encode(document).decode(),
            "report": "brief",
        }
        if user_data is not None:
            request["user_data"] = user_data.hex()
        if public_key is not None:
            request["public_key"] = public_key.hex()
        answer = self._post("/v1/verify", request, 200)
        try:
            return Verdict(
                accepted=answer["accepted"] is True,
                authentic=answer["authentic"] is True,
                reason=answer["reason"],
                detail=answer["detail"],
                image_name=answer["image_name"],
                module_id=answer["module_id"],
                public_key=_bytes(answer["public_key"]),
                user_data=_bytes(answer["user_data"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NoVerdict("the server said something else than a verdict") from error

    def _post(self, path: str, body: dict, expected: int) -> dict:
        request = urllib.request.Request(
            self._url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                status, data = response.status, response.read(MAX_ANSWER + 1)
        except urllib.error.HTTPError as error:
            status, data = error.code, error.read(MAX_ANSWER + 1)
        except OSError as error:
            raise NoVerdict(f"the server cannot be asked: {error}") from error
        try:
            answer = json.loads(data)
        except ValueError as error:
            raise NoVerdict(f"the server answered {status} without JSON") from error
        if status != expected or not isinstance(answer, dict):
            detail = answer.get("detail") if isinstance(answer, dict) else None
            raise NoVerdict(f"the server answered {status}: {detail}")
        return answer


def nonce(challenge: str) -> bytes:
    """Returns the bytes that the enclave puts into the nonce of its document."""
    return base64.urlsafe_b64decode(challenge + "=" * (-len(challenge) % 4))


def _bytes(digits: typing.Optional[str]) -> typing.Optional[bytes]:
    return None if digits is None else bytes.fromhex(digits)
