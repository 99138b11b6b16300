// Workers are forked from one warm process, and the engine's generator of random numbers with them: all would draw the
// same numbers. So Math.random() is a generator of our own (sfc32), which takes its seed at its first use.
import { op_random_seed } from "host:ops";
import { hideSource } from "./native_functions.js";
import { MathObject, ObjectDefineProperty } from "./primordials.js";

const ROUNDS = 12; // until the seed is mixed

let state = null;

function draw() {
  const result = (state[0] + state[1] + state[3]) | 0;
  state[3] = (state[3] + 1) | 0;
  state[0] = state[1] ^ (state[1] >>> 9);
  state[1] = (state[2] + (state[2] << 3)) | 0;
  state[2] = (((state[2] << 21) | (state[2] >>> 11)) + result) | 0;
  return result >>> 0;
}

function begin() {
  state = op_random_seed();
  for (let i = 0; i < ROUNDS; i++) draw();
}

const { random } = {
  random() {
    if (state === null) begin();
    return ((draw() >>> 5) * 0x4000000 + (draw() >>> 6)) / 0x20000000000000;
  },
};

hideSource(random);
ObjectDefineProperty(MathObject, "random", { __proto__: null, value: random });
