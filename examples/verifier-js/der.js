// As much of DER (X.690) as certificates need.

// read returns the values that a string of bytes consists of.
export function read(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    const value = readOne(bytes, at);
    values.push(value);
    at = value.end;
  }
  return values;
}

function readOne(bytes, start) {
  let at = start;
  const byte = () => {
    if (at >= bytes.length) throw new Error("DER ends early");
    return bytes[at++];
  };
  const tag = byte();
  if ((tag & 0x1f) === 0x1f) throw new Error("DER with a tag of several bytes");
  let length = byte();
  if (length > 0x82 || length === 0x80) throw new Error("DER with a length that no certificate has");
  if (length > 0x80) {
    let n = length - 0x80;
    const least = n === 1 ? 0x80 : 0x100;
    for (length = 0; n > 0; n--) length = length * 256 + byte();
    if (length < least) throw new Error("DER with a length that is too long");
  }
  const end = at + length;
  if (end > bytes.length) throw new Error("DER ends early");
  return { tag, raw: bytes.subarray(start, end), content: bytes.subarray(at, end), end };
}

// sequence reads the elements of what has to be one SEQUENCE, or another tag.
export function sequence(bytes, tag = 0x30) {
  const values = read(bytes);
  if (values.length !== 1 || values[0].tag !== tag) throw new Error("DER with another type than expected");
  return read(values[0].content);
}

export const hex = (bytes) => Buffer.from(bytes).toString("hex");
