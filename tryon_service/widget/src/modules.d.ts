// Modules that build.mjs makes.
declare module "*.css" {
  const text: string;
  export default text;
}

declare module "texts:*" {
  const tables: import("./texts").Tables;
  export default tables;
}

/** First 16 hexadecimal digits of the SHA-256 of flow.js. */
declare const FLOW_HASH: string;
