// A file becomes the photo that is sent: checked, upright, small, without metadata.
import { HEADER_BYTES, type Header, readHeader, type Size } from "./header";
import { PhotoProblem } from "./photo-problem";

/** A photo ready to be sent: a JPEG, its size in pixels. */
export interface Photo extends Size {
  readonly blob: Blob;
}

/** Pixels of the longer side of what is sent: more than the pose is looked for at, little to send. */
const LONGEST = 1600;
/** Of the JPEG, 0 to 1. */
const QUALITY = 0.9;
/** Bytes of a file, at most: no phone's photo is larger, and it has to be held in memory. */
const MAX_BYTES = 25_000_000;
/** Pixels, at most: 100 megapixels are 400 MB while they are decoded. */
const MAX_PIXELS = 100_000_000;
/** Pixels of the shorter side, at least: below it nobody can be made out. */
const SHORTEST = 256;

/** Throws PhotoProblem, or the signal's reason. */
export async function prepare(file: Blob, signal: AbortSignal): Promise<Photo> {
  const header = await inspect(file);
  signal.throwIfAborted();
  const picture = await decode(file, header);
  try {
    signal.throwIfAborted();
    return await shrink(picture);
  } finally {
    if (picture instanceof ImageBitmap) picture.close();
  }
}

/** What can be told without decoding. */
async function inspect(file: Blob): Promise<Header> {
  if (file.size === 0) throw new PhotoProblem("empty");
  if (file.size > MAX_BYTES) throw new PhotoProblem("too_many_bytes", { limit: MAX_BYTES / 1e6 });
  const header = readHeader(await firstBytes(file));
  if (header.kind === "other" && header.name === "") throw new PhotoProblem("not_an_image");
  if (header.kind === "other") throw new PhotoProblem("format", { format: header.name });
  if (header.size) checkSize(header.size);
  return header;
}

/** A folder that was dropped is a File too, which can't be read. */
async function firstBytes(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
  } catch {
    throw new PhotoProblem("not_an_image");
  }
}

function checkSize({ width, height }: Size): void {
  if (width * height > MAX_PIXELS) throw new PhotoProblem("too_many_pixels");
  if (Math.min(width, height) < SHORTEST) throw new PhotoProblem("image_too_small");
}

/** The upright picture. createImageBitmap decodes beside the page's thread; an image element knows more formats. */
async function decode(file: Blob, header: Header): Promise<ImageBitmap | HTMLImageElement> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image", ...reduction(header.size) });
  } catch {
    const url = URL.createObjectURL(file);
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image;
    } catch {
      throw new PhotoProblem(header.kind === "heic" ? "heic" : "truncated_image");
    } finally {
      URL.revokeObjectURL(url);
    }
  }
}

/**
 * Large pictures are reduced while they are decoded. Only a width is given: then the shape is kept whether the browser
 * means the width as stored or, in a photo that lies on its side, the upright one.
 */
function reduction(size: Size | null): ImageBitmapOptions {
  if (!size || Math.min(size.width, size.height) <= LONGEST) return {};
  return { resizeWidth: LONGEST, resizeQuality: "high" };
}

async function shrink(picture: ImageBitmap | HTMLImageElement): Promise<Photo> {
  const full =
    picture instanceof ImageBitmap ? picture : { width: picture.naturalWidth, height: picture.naturalHeight };
  checkSize(full);
  const scale = Math.min(1, LONGEST / Math.max(full.width, full.height));
  const width = Math.round(full.width * scale);
  const height = Math.round(full.height * scale);
  const blob = await drawn(picture, width, height);
  return { blob, width, height };
}

/** The picture as a JPEG of this size, on white where it is transparent. Also takes a frame of the camera's. */
export async function drawn(picture: CanvasImageSource, width: number, height: number): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new PhotoProblem("truncated_image");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  canvas.width = canvas.height = 0; // Safari keeps a canvas's memory until it is collected
  if (!blob) throw new PhotoProblem("truncated_image");
  return blob;
}
