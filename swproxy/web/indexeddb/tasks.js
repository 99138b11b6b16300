// The database task source (https://w3c.github.io/IndexedDB/#database-access-task-source). Each task dispatches no more
// than one event: the next one has a turn of its own, which begins when all microtasks of this one have run.
import { op_idb_schedule } from "host:ops";
import { ArrayPrototypeShift, SafeMap } from "../infra/primordials.js";
import { onDeliver } from "../messaging/receive.js";

const tasks = [];
let isScheduled = false;
let cleanUp = () => {};
const receivers = new SafeMap(); // type of a message of the host -> what it is for

/** Queues steps() that may dispatch an event; whether they did is what they return. */
export function queueDatabaseTask(steps) {
  tasks[tasks.length] = steps;
  schedule();
}

/** Lets a turn come. */
export function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  op_idb_schedule();
}

/** Sets what is done before the tasks of each turn. */
export function setCleanUp(function_) {
  cleanUp = function_;
}

function run() {
  isScheduled = false;
  cleanUp();
  while (tasks.length > 0) if (ArrayPrototypeShift(tasks)()) break;
  if (tasks.length > 0) schedule();
}

/** Calls the receiver, as a task of its own, with each message of the host of that type. */
export function onHostMessage(type, receiver) {
  receivers.set(type, receiver);
}

onDeliver("indexedDB", (detail) => {
  if (detail.type === "run") run();
  else queueDatabaseTask(() => receivers.get(detail.type)(detail));
});

let lastNumber = 0;
/** A number that nothing else of this realm has: of an open request and its connection, or a transaction. */
export const nextNumber = () => ++lastNumber;
