/** What Nest injects by; the value is made in the composition root. */
export const SINK = Symbol('EventSink');
