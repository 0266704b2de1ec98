declare module 'cluster-key-slot' {
  /** The slot (0 to 16383) of a key, by its hash tag if it has one. */
  function keySlot(key: string | Buffer): number;
  export = keySlot;
}
