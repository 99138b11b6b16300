// https://w3c.github.io/webcrypto/#sha
import { op_digest } from "host:ops";
import { Algorithm } from "./algorithms.js";

class Sha {
  parameters = { __proto__: null, digest: Algorithm };

  constructor(name, blockSize) {
    this.name = name;
    this.blockSize = blockSize; // in bits
  }

  digest(algorithm, message) {
    return op_digest(this.name, message);
  }
}

export const algorithms = {
  __proto__: null,
  "SHA-1": new Sha("SHA-1", 512),
  "SHA-256": new Sha("SHA-256", 512),
  "SHA-384": new Sha("SHA-384", 1024),
  "SHA-512": new Sha("SHA-512", 1024),
};
