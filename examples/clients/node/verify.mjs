// A relying party in Node:
//
//	verify.mjs URL POLICY COMMAND [ARGUMENT...]
//
// URL is that of nitroattest-server, POLICY the name of one of its policies. The
// command asks the enclave: it gets the challenge as its last argument and prints
// the enclave's document in base64.
//
// Exit status: 0 accepted, 1 refused, 2 no verdict.
import {execFileSync} from "node:child_process";
import {Server} from "./nitroattest.mjs";

const [url, policy, command, ...rest] = process.argv.slice(2);
if (url === undefined || policy === undefined || command === undefined) {
	console.error("usage: verify.mjs URL POLICY COMMAND [ARGUMENT...]");
	process.exit(2);
}
try {
	const server = new Server(url);
	const challenge = await server.challenge();
	const document = execFileSync(command, [...rest, challenge], {encoding: "utf8", stdio: ["ignore", "pipe", "inherit"]});
	const verdict = await server.verify({policy, challenge, document});
	if (verdict.accepted) {
		console.log(`accepted: ${verdict.image_name} in ${verdict.module_id}`);
	} else {
		console.log(`refused: ${verdict.reason}`);
		process.exitCode = 1;
	}
} catch (error) {
	console.error("no verdict:", error instanceof Error ? error.message : error);
	process.exitCode = 2;
}
