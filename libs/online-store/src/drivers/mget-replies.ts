/** What the server said to one MGET. */
export interface MgetReply {
  /** Where the values lie, two numbers each: begin and end; begin −1: there is none. */
  readonly places: Int32Array;
  /** What the server said instead. */
  readonly error: string | null;
}

const [STAR, DOLLAR, MINUS, UNDERSCORE, CARRIAGE_RETURN] = [42, 36, 45, 95, 13];
const LINE_END_BYTES = 2;
const INITIAL_BYTES = 256 * 1024;
// What an unusually long reply needed is given back after it.
const MOST_KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Replies to MGET out of what a socket gives, in RESP 2 or 3: arrays of bulk strings and nulls, or an error. No object per
 * value: they stay where they came in, until the next piece comes.
 */
export class MgetReplies {
  #bytes = allocate(INITIAL_BYTES);
  #length = 0;
  /** Where what is not answered yet begins. */
  #from = 0;
  /** Of the reply that is coming in: how far it is read, relative to `#from`, and what is known of it. */
  #read = 0;
  #known = 0;
  #places: Int32Array | null = null;

  /** All values lie in it. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The replies that are complete with this piece, in their order; good until the next one comes. Throws on what is no such reply. */
  take(piece: Uint8Array): MgetReply[] {
    this.#append(piece);
    const replies: MgetReply[] = [];
    for (let reply = this.#next(); reply !== null; reply = this.#next()) replies.push(reply);
    return replies;
  }

  #append(piece: Uint8Array): void {
    const rest = this.#length - this.#from;
    const old = this.#bytes;
    const needed = rest + piece.length;
    if (needed > old.length) this.#bytes = allocate(2 ** Math.ceil(Math.log2(needed)));
    else if (rest === 0 && old.length > MOST_KEPT_BYTES) this.#bytes = allocate(Math.max(INITIAL_BYTES, needed));
    if (this.#from > 0 || this.#bytes !== old) old.copy(this.#bytes, 0, this.#from, this.#length);
    this.#bytes.set(piece, rest);
    this.#from = 0;
    this.#length = needed;
  }

  /** Null: it has not come in whole. */
  #next(): MgetReply | null {
    const start = this.#from;
    if (this.#places === null) {
      if (start === this.#length) return null;
      const kind = this.#bytes[start];
      const end = this.#lineEnd(start + 1);
      if (end === -1) return null;
      if (kind === MINUS) return this.#finish(end, { places: new Int32Array(0), error: this.#bytes.toString('utf8', start + 1, end - LINE_END_BYTES) });
      if (kind !== STAR) throw new Error(`a reply to MGET begins with the byte ${kind}`);
      this.#places = new Int32Array(2 * this.#number(start + 1, end));
      this.#read = end - start;
      this.#known = 0;
    }
    const places = this.#places;
    let at = start + this.#read;
    for (; this.#known < places.length; this.#known += 2) {
      if (at >= this.#length) return this.#pause(at);
      const kind = this.#bytes[at];
      if (kind !== DOLLAR && kind !== UNDERSCORE) throw new Error(`a value in a reply to MGET begins with the byte ${kind}`);
      const from = this.#lineEnd(at + 1);
      if (from === -1) return this.#pause(at);
      const isThere = kind === DOLLAR && this.#bytes[at + 1] !== MINUS;
      const end = isThere ? from + this.#number(at + 1, from) : from;
      const next = isThere ? end + LINE_END_BYTES : from;
      if (next > this.#length) return this.#pause(at);
      // Relative to the reply's begin, which moves when the next piece comes.
      places[this.#known] = isThere ? from - start : -1;
      places[this.#known + 1] = end - start;
      at = next;
    }
    for (let i = 0; i < places.length; i += 2) {
      if (places[i] === -1) continue;
      places[i]! += start;
      places[i + 1]! += start;
    }
    return this.#finish(at, { places, error: null });
  }

  #pause(at: number): null {
    this.#read = at - this.#from;
    return null;
  }

  #finish(at: number, reply: MgetReply): MgetReply {
    this.#from = at;
    this.#places = null;
    return reply;
  }

  /** Where the line goes on behind its end; −1: it has not come in whole. */
  #lineEnd(at: number): number {
    for (let i = at; i < this.#length - 1; i++) if (this.#bytes[i] === CARRIAGE_RETURN) return i + LINE_END_BYTES;
    return -1;
  }

  #number(at: number, lineEnd: number): number {
    let number = 0;
    for (let i = at; i < lineEnd - LINE_END_BYTES; i++) number = 10 * number + this.#bytes[i]! - 48;
    return number;
  }
}

function allocate(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}
