import type { Progress } from '@granary/contracts';
import type { SingleBar } from 'cli-progress';
import { formatProgress } from './format.js';

export interface ProgressReporter {
  readonly report: (progress: Progress) => void;
  /** Leaves what was reported last standing; nothing is drawn afterwards. */
  readonly end: () => void;
}

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const LINE_EVERY_MS = 2_000;
const BAR_WIDTH = 24;

/** A bar on a terminal; elsewhere (logs, CI) a line every two seconds and one for the end of each stage. */
export async function openProgress(stream: ProgressStream): Promise<ProgressReporter> {
  return stream.isTTY ? bars(stream, (await import('cli-progress')).default.SingleBar) : createProgressLines(stream, Date.now);
}

/** Whether `next` goes on counting what `last` counted, maybe under another label (`backfill a`, `backfill b`). */
export function continues(last: Progress, next: Progress): boolean {
  const same = next.stage === last.stage || (next.total === last.total && next.total !== null);
  return same && next.unit === last.unit && next.done >= last.done;
}

function line(progress: Progress): string {
  return `${progress.stage}  ${formatProgress(progress)}\n`;
}

export function createProgressLines(stream: ProgressStream, now: () => number): ProgressReporter {
  let last: Progress | undefined;
  let written: Progress | undefined;
  let writtenAt = now();
  const write = (progress: Progress): void => {
    stream.write(line(progress));
    written = progress;
    writtenAt = now();
  };
  const finish = (): void => {
    if (last !== undefined && last !== written) write(last);
    last = undefined;
  };
  return {
    report(progress) {
      if (last !== undefined && !continues(last, progress)) finish();
      last = progress;
      if (now() - writtenAt >= LINE_EVERY_MS) write(progress);
    },
    end: finish,
  };
}

function bars(stream: ProgressStream, Bar: typeof SingleBar): ProgressReporter {
  let bar: SingleBar | undefined;
  let last: Progress | undefined;
  const finish = (): void => {
    bar?.stop();
    bar = undefined;
    last = undefined;
  };
  return {
    report(progress) {
      if (last !== undefined && !continues(last, progress)) finish();
      last = progress;
      if (bar === undefined) {
        bar = new Bar({
          stream: stream as NodeJS.WritableStream,
          fps: 10,
          hideCursor: true,
          // Our runner decides what Ctrl-C does.
          gracefulExit: false,
          format: (_options, _params, payload: { progress: Progress }) => barLine(payload.progress, stream.columns ?? 80),
        });
        bar.start(progress.total ?? 0, progress.done, { progress });
      }
      bar.update(progress.done, { progress });
    },
    end: finish,
  };
}

/** Never longer than the terminal is wide: a wrapped line can't be drawn over. */
export function barLine(progress: Progress, columns: number): string {
  const { stage, done, total } = progress;
  const share = total === null || total === 0 ? 0 : Math.min(1, done / total);
  const full = Math.round(BAR_WIDTH * share);
  const bar = total === null ? '' : `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `;
  const text = `${bar}${formatProgress(progress)}  ${stage}`;
  return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;
}
