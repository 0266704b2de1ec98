import { styleText } from 'node:util';

/** Words that may be coloured; plain where colours are not wanted. */
export interface Style {
  readonly colours: boolean;
  readonly heading: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

export function createStyle(colours: boolean): Style {
  const paint = (format: Format) => (text: string) => (colours ? styleText(format, text, { validateStream: false }) : text);
  return Object.freeze({
    colours,
    heading: paint('bold'),
    good: paint('green'),
    warn: paint('yellow'),
    bad: paint('red'),
    dim: paint('gray'),
  });
}
