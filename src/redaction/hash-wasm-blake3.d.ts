/**
 * The BLAKE3-only file of hash-wasm: 22 KB instead of the 216 KB of the whole package, which matters for the hook's
 * start-up. It is a UMD file without types of its own, and Node's ESM loader sees only its default export.
 */
declare module 'hash-wasm/dist/blake3.umd.min.js' {
  import type { createBLAKE3 } from 'hash-wasm';
  const umd: { readonly createBLAKE3: typeof createBLAKE3 };
  export default umd;
}
