// What a file is and how large its picture, read from its first bytes: names and media types lie.

/** kind: of picture, or "other"; name: of what isn't a photo ("PDF"), empty where unknown; size: pixels, as stored. */
export interface Header {
  readonly kind: "jpeg" | "png" | "webp" | "heic" | "avif" | "other";
  readonly name: string;
  readonly size: Size | null;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Bytes of a file that are looked at: a phone's JPEG has its size behind up to 64 kB of metadata blocks, or two. */
export const HEADER_BYTES = 256 * 1024;

/** Signatures of what people choose by mistake; offset is 0 for all. */
const OTHERS: readonly (readonly [string, string])[] = [
  ["%PDF-", "PDF"],
  ["GIF8", "GIF"],
  ["BM", "BMP"],
  ["II*\0", "TIFF"],
  ["MM\0*", "TIFF"],
  ["8BPS", "Photoshop"],
  ["\0\0\0\x0cJXL ", "JPEG XL"],
  ["\xff\x0a", "JPEG XL"],
  ["PK\x03\x04", "ZIP"],
  ["\x1aE\xdf\xa3", "WebM"],
];
const HEIC_BRANDS = new Set(["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]);
const AVIF_BRANDS = new Set(["avif", "avis"]);

export function readHeader(bytes: Uint8Array<ArrayBuffer>): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (start: number, length: number) => String.fromCharCode(...bytes.subarray(start, start + length));
  if (at(0, 3) === "\xff\xd8\xff") return { kind: "jpeg", name: "JPEG", size: jpegSize(view) };
  if (at(0, 8) === "\x89PNG\r\n\x1a\n") return { kind: "png", name: "PNG", size: pngSize(view) };
  if (at(0, 4) === "RIFF" && at(8, 4) === "WEBP") return { kind: "webp", name: "WebP", size: null };
  if (at(4, 4) === "ftyp") return isoHeader(at(8, 4), at(16, 24));
  const other = OTHERS.find(([signature]) => at(0, signature.length) === signature);
  return { kind: "other", name: other?.[1] ?? "", size: null };
}

/** ISO media files are HEIC, AVIF and videos; the brands say which. */
function isoHeader(major: string, compatible: string): Header {
  const brands = [major, ...(compatible.match(/.{4}/gs) ?? [])];
  if (brands.some((brand) => AVIF_BRANDS.has(brand))) return { kind: "avif", name: "AVIF", size: null };
  if (brands.some((brand) => HEIC_BRANDS.has(brand))) return { kind: "heic", name: "HEIC", size: null };
  return { kind: "other", name: "MP4", size: null };
}

/** Width and height of a PNG stand at the start of its first chunk. */
function pngSize(view: DataView): Size | null {
  return view.byteLength < 24 ? null : { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks a JPEG's segments to its frame header. Null if that lies beyond the bytes read. */
function jpegSize(view: DataView): Size | null {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    const marker = view.getUint16(at);
    if (marker === 0xffff)
      at += 1; // a fill byte
    else if (isFrame(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    else if (marker >> 8 === 0xff) at += 2 + view.getUint16(at + 2);
    else return null;
  }
  return null;
}

/** SOF0 to SOF15, without the three in between that mean something else (DHT, JPG, DAC). */
function isFrame(marker: number): boolean {
  return marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
}
