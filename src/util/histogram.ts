/** Histograms of times. */

import type { RecordableHistogram } from 'node:perf_hooks';

/** Records a time in milliseconds; a histogram takes nanoseconds, from 1 up to 104 days. */
export function recordMilliseconds(histogram: RecordableHistogram, milliseconds: number): void {
  histogram.record(Math.min(Math.max(1, Math.round(milliseconds * 1e6)), Number.MAX_SAFE_INTEGER));
}
