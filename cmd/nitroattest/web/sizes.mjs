// Prints the sizes of files: node sizes.mjs FILE...
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

for (const name of process.argv.slice(2)) {
  const data = readFileSync(name);
  const brotli = brotliCompressSync(data, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
  });
  console.log(`${basename(name)}: ${data.length} bytes, gzip ${gzipSync(data, { level: 9 }).length}, brotli ${brotli.length}`);
  if (basename(name) === "nitroattest.wasm" && brotli.length > 1.9e6) {
    console.log(`${basename(name)}: expected at most 1900000 bytes in brotli`);
    process.exitCode = 1;
  }
}
