// https://html.spec.whatwg.org/#imagedata
import {
  DOMExceptionConstructor,
  TypedArrayConstructors,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../infra/primordials.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional, overloaded } from "../webidl/interface.js";
import {
  dictionary,
  enumeration,
  Float16ArrayType,
  Uint8ClampedArrayType,
  union,
  unsignedLong,
  withDefault,
} from "../webidl/types.js";

/** Pixel format -> the type of its arrays, and the bytes of a pixel. */
const FORMATS = {
  __proto__: null,
  "rgba-unorm8": { array: "Uint8ClampedArray", bytesPerPixel: 4 },
  "rgba-float16": { array: "Float16Array", bytesPerPixel: 8 },
};

const ImageDataArray = union(Uint8ClampedArrayType, Float16ArrayType);
const ImageDataSettings = dictionary("ImageDataSettings", {
  colorSpace: enumeration("PredefinedColorSpace", ["srgb", "display-p3"]),
  pixelFormat: withDefault(enumeration("ImageDataPixelFormat", ["rgba-unorm8", "rgba-float16"]), "rgba-unorm8"),
});

const indexSizeError = (message) => new DOMExceptionConstructor(message, "IndexSizeError");
const invalidStateError = (message) => new DOMExceptionConstructor(message, "InvalidStateError");

/** new ImageData(sw, sh, settings): the pixels are transparent black */
function blank(width, height, { colorSpace, pixelFormat }) {
  if (width === 0 || height === 0) throw indexSizeError("The width or the height is 0.");
  const data = new TypedArrayConstructors[FORMATS[pixelFormat].array](4 * width * height);
  return [data, width, height, colorSpace, pixelFormat];
}

/** new ImageData(data, sw, sh, settings) */
function ofData(data, width, height, { colorSpace, pixelFormat }) {
  const { array, bytesPerPixel } = FORMATS[pixelFormat];
  const pixels = TypedArrayPrototypeGetByteLength(data) / bytesPerPixel;
  if (pixels === 0 || pixels % 1 !== 0) throw invalidStateError("The data are empty, or end within a pixel.");
  const rows = pixels / width;
  if (width === 0 || rows % 1 !== 0) throw indexSizeError("The data end within a row of that width.");
  if (height !== undefined && height !== rows) throw indexSizeError("The data have not as many rows as the height.");
  if (TypedArrayPrototypeGetSymbolToStringTag(data) !== array) {
    throw invalidStateError(`The pixel format ${pixelFormat} needs a ${array}.`);
  }
  return [data, width, rows, colorSpace, pixelFormat];
}

export class ImageData {
  #data;
  #width;
  #height;
  #colorSpace;
  #pixelFormat;

  constructor(data, width, height, colorSpace = "srgb", pixelFormat) {
    this.#data = data;
    this.#width = width;
    this.#height = height;
    this.#colorSpace = colorSpace;
    this.#pixelFormat = pixelFormat;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #data in value;
  }

  static construct(first, second, third, fourth) {
    return typeof first === "number" ? blank(first, second, third) : ofData(first, second, third, fourth);
  }

  get width() {
    return this.#width;
  }

  get height() {
    return this.#height;
  }

  get data() {
    return this.#data;
  }

  get pixelFormat() {
    return this.#pixelFormat;
  }

  get colorSpace() {
    return this.#colorSpace;
  }

  static serialize(image) {
    const fields = [image.#width, image.#height, image.#colorSpace, image.#pixelFormat];
    return { fields, bodies: [], values: [image.#data] };
  }
}

const settings = optional(ImageDataSettings);
const SIZE = [unsignedLong, unsignedLong, settings];
const DATA = [ImageDataArray, unsignedLong, optional(unsignedLong), settings];

function chooseConstructor(values) {
  const isArray = Uint8ClampedArrayType.is(values[0]) || Float16ArrayType.is(values[0]);
  return isArray || values.length > 3 ? DATA : SIZE;
}

defineInterface(ImageData, {
  constructor: overloaded(2, chooseConstructor),
  readonly: ["width", "height", "data", "pixelFormat", "colorSpace"],
});

registerSerializable(
  "ImageData",
  ImageData.is,
  ImageData.serialize,
  ({ 0: width, 1: height, 2: colorSpace, 3: pixelFormat }, _bodies, { 0: data }) =>
    new ImageData(data, width, height, colorSpace, pixelFormat),
);
