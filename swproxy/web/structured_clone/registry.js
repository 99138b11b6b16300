// Platform objects that can be cloned or transferred: https://html.spec.whatwg.org/#serializable-objects and
// #transferable-objects. The file of such an interface declares it here when it is loaded.

const serializables = [];
const transferables = [];

// An interface is declared after the one that it inherits from: the last that fits is the closest.
function find(entries, fits) {
  for (let i = entries.length - 1; i >= 0; i--) if (fits(entries[i])) return entries[i];
  return null;
}

/**
 * Declares an interface [Serializable].
 * @param name the interface's; that of `manifest.LAZY`, so that a clone can be made where the file is not loaded yet
 * @param is (value) -> whether a value implements it
 * @param serialize (value) -> { fields, bodies, values }, its serialization steps. fields: a list of strings, finite
 *   numbers, booleans and nulls. bodies: handles of complete host bodies, made for this call and given away. values,
 *   which may be missing: what has a sub-serialization, namely primitives, buffers, views and other platform objects;
 *   none may lead back to the object.
 * @param deserialize (fields, bodies, values) -> a new object, its deserialization steps. The handles are its own;
 *   values is a list of what the values have become, and empty if there were none.
 */
export function registerSerializable(name, is, serialize, deserialize) {
  serializables[serializables.length] = { name, is, serialize, deserialize };
}

/**
 * Declares an interface [Transferable]: a MessagePort, or what is made of ports.
 * @param name the interface's; that of `manifest.LAZY`
 * @param is (value) -> whether a value implements it
 * @param isDetached (value) -> its [[Detached]]
 * @param transfer (value) -> the Endpoints (messaging/endpoint.js) that are sent, its transfer steps; the value is
 *   detached then
 * @param portCount how many these are
 * @param deserialize (fields, bodies, ports) -> a new object, its transfer-receiving steps. The ports are its own; the
 *   others are empty. A MessagePort has none: it is one.
 */
export function registerTransferable(name, is, isDetached, transfer, portCount, deserialize) {
  transferables[transferables.length] = { name, is, isDetached, transfer, portCount, deserialize };
}

/** The declaration of the closest serializable interface that the value implements, or null. */
export const serializableOf = (value) => find(serializables, (entry) => entry.is(value));

/** The declaration of an interface whose file is loaded, or null. */
export const declarationNamed = (name) =>
  find(serializables, (entry) => entry.name === name) ?? find(transferables, (entry) => entry.name === name);

/** The declaration of the closest transferable interface that the value implements, or null. */
export const transferableOf = (value) => find(transferables, (entry) => entry.is(value));
