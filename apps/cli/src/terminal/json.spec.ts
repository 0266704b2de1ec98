import { describe, expect, it } from '@jest/globals';
import { foldJson } from './json.js';

describe('foldJson', () => {
  const value = { a: [{ b: 1, c: 'x' }, { b: 2, c: null }], d: {}, e: [] };

  it('keeps on one line what fits', () => {
    expect(foldJson(value)).toBe('{ "a": [{ "b": 1, "c": "x" }, { "b": 2, "c": null }], "d": {}, "e": [] }');
    expect(foldJson(value, 30)).toBe('{\n  "a": [\n    { "b": 1, "c": "x" },\n    { "b": 2, "c": null }\n  ],\n  "d": {},\n  "e": []\n}');
  });

  it('is the same value at every width', () => {
    for (const width of [0, 10, 40, 200]) expect(JSON.parse(foldJson(value, width))).toEqual(value);
  });
});
