// How many tokens (cl100k) each text of a JSON array on standard input takes.
import { readFileSync } from "node:fs";
import { encode } from "gpt-tokenizer/encoding/cl100k_base";

const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encode(text).length)));
