import { createHash } from 'node:crypto';
import { BASE_LENGTH_OFFSET, FORMAT, FRAME_HEAD_BYTES, FRAME_SEQUENCE_OFFSET, HEAD_BYTES, ORDER_OFFSET } from '../value.js';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

// What `value.ts` does in TypeScript, for the same bytes. Lua counts them from 1, and compares strings by the server's
// locale: orders and sequences are compared as numbers. Of a stored value only its head and tail are read.
const FRAMES_BEYOND = `
local function beyond(frames, base)
  local foldedHigh, foldedLow = struct.unpack('>I4I4', base, ${ORDER_OFFSET + 1})
  local kept, at = {}, 1
  while at + ${FRAME_HEAD_BYTES - 1} <= #frames do
    local length = struct.unpack('<I4', frames, at)
    if length < ${FRAME_HEAD_BYTES} or at + length - 1 > #frames then break end
    local high, low = struct.unpack('>I4I4', frames, at + ${FRAME_SEQUENCE_OFFSET})
    if high > foldedHigh or (high == foldedHigh and low > foldedLow) then
      kept[#kept + 1] = string.sub(frames, at, at + length - 1)
    end
    at = at + length
  end
  if at <= #frames then kept[#kept + 1] = string.sub(frames, at) end
  return table.concat(kept)
end
local function baseLength(head)
  return (struct.unpack('<I4', head, ${BASE_LENGTH_OFFSET + 1}))
end`;

/** KEYS: rows, ARGV: their bases. Answers 1 for each that was written, 0 for each that was stale. */
export const WRITE_BASES = script(`${FRAMES_BEYOND}
local function outranks(base, head)
  if #head < ${HEAD_BYTES} then return true end
  local format, stored = string.byte(base, 1), string.byte(head, 1)
  if format ~= stored then return format > stored end
  for b = ${ORDER_OFFSET + 1}, ${BASE_LENGTH_OFFSET} do
    local new, old = string.byte(base, b), string.byte(head, b)
    if new ~= old then return new > old end
  end
  return false
end
local answers = {}
for i = 1, #KEYS do
  local base = ARGV[i]
  local head = redis.call('GETRANGE', KEYS[i], 0, ${HEAD_BYTES - 1})
  answers[i] = 0
  if outranks(base, head) then
    local tail = ''
    if #head >= ${HEAD_BYTES} and string.byte(head, 1) == ${FORMAT} and string.byte(base, 1) == ${FORMAT} then
      tail = redis.call('GETRANGE', KEYS[i], baseLength(head), -1)
    end
    redis.call('SET', KEYS[i], tail == '' and base or base .. beyond(tail, base))
    answers[i] = 1
  end
end
return answers`);

/** KEYS: rows, ARGV: the empty base, then the frames of each. Answers two numbers for each: its bytes and its base's; negative if it has none. */
export const APPEND_FRAMES = script(`${FRAMES_BEYOND}
local answers = {}
for i = 1, #KEYS do
  local head = redis.call('GETRANGE', KEYS[i], 0, ${HEAD_BYTES - 1})
  if head == '' then
    head = ARGV[1]
    redis.call('SET', KEYS[i], head)
  end
  if #head < ${HEAD_BYTES} or string.byte(head, 1) ~= ${FORMAT} then
    answers[2 * i - 1], answers[2 * i] = -1, 0
  else
    local frames = beyond(ARGV[i + 1], head)
    answers[2 * i - 1] = frames == '' and redis.call('STRLEN', KEYS[i]) or redis.call('APPEND', KEYS[i], frames)
    answers[2 * i] = baseLength(head)
  end
end
return answers`);

/** KEYS: one; ARGV: whether it must be there ('1', '0'), what it must hold, whether to keep it, what to write. Answers 1 if it did. */
export const SWAP = script(`
local stored = redis.call('GET', KEYS[1])
if (ARGV[1] == '1' and stored ~= ARGV[2]) or (ARGV[1] == '0' and stored) then return 0 end
if ARGV[3] == '1' then redis.call('SET', KEYS[1], ARGV[4]) else redis.call('DEL', KEYS[1]) end
return 1`);

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
