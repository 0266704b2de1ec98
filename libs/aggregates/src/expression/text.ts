import { binary, unary, type Builder } from './operand.js';
import { murmurHash3 } from './murmur-hash.js';

export const toText = unary(String);

export const lower = unary((text: string) => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()));
export const upper = unary((text: string) => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase()));
export const trim = unary((text: string) => {
  let [from, to] = [0, text.length];
  while (from < to && text[from] === ' ') from++;
  while (to > from && text[to - 1] === ' ') to--;
  return text.slice(from, to);
});
export const length = unary((text: string) => {
  let points = 0;
  for (let i = 0; i < text.length; i += text.codePointAt(i)! > 0xffff ? 2 : 1) points++;
  return points;
});

export const contains = binary((text: string, part: string) => text.includes(part));
export const startsWith = binary((text: string, part: string) => text.startsWith(part));
export const endsWith = binary((text: string, part: string) => text.endsWith(part));

export const concat: Builder = (args) => {
  const reads = args.map(({ read }) => read);
  return (row) => {
    let text = '';
    for (const read of reads) {
      const part = read(row);
      if (part === null) return null;
      text += part as string;
    }
    return text;
  };
};

export const hashBucket: Builder = ([value, buckets]) => {
  const count = Number(buckets!.constant);
  return unary((each) => murmurHash3(String(each)) % count)([value!]);
};
