// A client of nitroattest-server, on Node's fetch alone. Its types are those of
// the server's /openapi.json, see api.d.ts.
//
//	const server = new Server("http://127.0.0.1:8080");
//	const challenge = await server.challenge();
//	const document = await askYourEnclave(challenge);
//	const verdict = await server.verify({policy: "prod", challenge, document});
//	if (verdict.accepted) ...
//
// The challenge is base64url of the nonce that the enclave puts into its document:
// Buffer.from(challenge, "base64url").

/** @typedef {import("./api.js").BriefVerdict} BriefVerdict */
/** @typedef {import("./api.js").ChallengeResponse} ChallengeResponse */
/** @typedef {import("./api.js").VerifyRequest} VerifyRequest */

const timeout = 30_000; // milliseconds for one request

/** The server could not be asked, or gave no verdict. Nothing is known of the document. */
export class NoVerdict extends Error {}

export class Server {
	#url;

	/** @param {string} url Beyond loopback it is https. */
	constructor(url) {
		this.#url = url.replace(/\/+$/, "");
	}

	/** Returns a challenge for one exchange. */
	async challenge() {
		const answer = /** @type {ChallengeResponse} */ (await this.#post("/v1/challenges", {}, 201));
		if (typeof answer.challenge !== "string") throw new NoVerdict("the server gave no challenge");
		return answer.challenge;
	}

	/**
	 * Has a document verified. Trust the enclave if accepted is true and in no
	 * other case.
	 *
	 * @param {Omit<VerifyRequest, "report">} request
	 */
	async verify(request) {
		const verdict = /** @type {BriefVerdict} */ (await this.#post("/v1/verify", {...request, report: "brief"}, 200));
		if (typeof verdict.accepted !== "boolean") throw new NoVerdict("the server said something else than a verdict");
		return verdict;
	}

	/**
	 * @param {string} path
	 * @param {object} body
	 * @param {number} expected the status
	 * @returns {Promise<object>}
	 */
	async #post(path, body, expected) {
		let response, answer;
		try {
			response = await fetch(this.#url + path, {
				method: "POST",
				headers: {"Content-Type": "application/json"},
				body: JSON.stringify(body),
				redirect: "error", // a document is for the server that was asked
				signal: AbortSignal.timeout(timeout),
			});
			answer = await response.json();
		} catch (error) {
			throw new NoVerdict("the server cannot be asked", {cause: error});
		}
		if (response.status !== expected || typeof answer !== "object" || answer === null) {
			const {detail} = /** @type {{detail?: string}} */ (answer ?? {});
			throw new NoVerdict(`the server answered ${response.status}: ${detail}`);
		}
		return answer;
	}
}
