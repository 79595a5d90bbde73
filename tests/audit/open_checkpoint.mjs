// Open an exported trail with Node's own crypto: node open_checkpoint.mjs VKEY_FILE FOLDER
// Exit 0 and one line when everything holds, 1 and the reason when it does not. No packages.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const demand = (holds, otherwise) => {
  if (!holds) throw new Error(otherwise);
};

// c2sp.org/signed-note: name+id+base64(type, key); the id is the beginning of SHA-256(name, newline, type, key)
function readVkey(text) {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text.trim());
  const typed = Buffer.from(encoded, "base64");
  demand(typed.length === 33 && typed[0] === 1, "the vkey is not Ed25519");
  demand(sha256(name, "\n", typed).subarray(0, 4).toString("hex") === id, "the vkey's id is wrong");
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), typed.subarray(1)]);
  return { name, id, key: createPublicKey({ key: spki, format: "der", type: "spki" }) };
}

function openNote(note, { name, id, key }) {
  const gap = note.lastIndexOf("\n\n");
  demand(gap >= 0, "no signatures");
  const text = note.slice(0, gap + 1);
  for (const line of note.slice(gap + 2).trimEnd().split("\n")) {
    const [dash, signer, blob] = line.split(" ");
    const raw = Buffer.from(blob, "base64");
    if (dash !== "—" || signer !== name || raw.subarray(0, 4).toString("hex") !== id) continue;
    demand(verify(null, Buffer.from(text), key, raw.subarray(4)), "the signature is wrong");
    return text;
  }
  throw new Error("the key has not signed");
}

// RFC 6962, section 2.1
function treeHash(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0]);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

function linesOf(bytes) {
  const lines = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from);
    demand(end >= 0, "the last line is cut");
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}

function checkChains(leaves, origin) {
  const last = new Map();
  leaves.forEach((leaf, number) => {
    const said = JSON.parse(leaf.toString("utf8"));
    const { seq, prev } = last.get(said.case) ?? { seq: 0, prev: "0".repeat(64) };
    demand(said.log === origin, `line ${number}: another log`);
    demand(said.seq === seq && said.prev === prev, `line ${number}: the case's chain is broken`);
    last.set(said.case, { seq: seq + 1, prev: sha256(leaf).toString("hex") });
  });
}

try {
  const [vkeyFile, folder] = process.argv.slice(2);
  const log = readVkey(readFileSync(vkeyFile, "utf8"));
  const [origin, size, root] = openNote(readFileSync(join(folder, "checkpoint"), "utf8"), log).split("\n");
  demand(origin === log.name, "the head is another log's");
  const leaves = linesOf(readFileSync(join(folder, "entries.jsonl")));
  demand(String(leaves.length) === size, `${leaves.length} entries, ${size} were signed`);
  demand(treeHash(leaves).toString("base64") === root, "the entries have another root");
  checkChains(leaves, origin);
  console.log(`${origin} ${size} ${root}`);
} catch (problem) {
  console.error(`rejected: ${problem.message}`);
  process.exit(1);
}
