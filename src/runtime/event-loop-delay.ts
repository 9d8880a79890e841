/** How late the event loop is. */
export interface EventLoopDelay {
  /** The recent delay in ms: each new sample counts for half. */
  recent: () => number
}

let measured: EventLoopDelay | undefined

/** Returns the delay of the event loop, measured from the first call on. */
export function eventLoopDelay(): EventLoopDelay {
  measured ??= measure(1000)
  return measured
}

/**
 * Measures the delay with a timer of one second. Node's own monitorEventLoopDelay samples every 10 ms
 * and uses 0.5 % of a core in an idle process (bench/results/2026-11-28.md).
 */
function measure(everyMs: number): EventLoopDelay {
  let due = performance.now() + everyMs
  let recent = 0
  setInterval(() => {
    const late = Math.max(0, performance.now() - due)
    recent = (recent + late) / 2
    due = performance.now() + everyMs
  }, everyMs).unref()
  return { recent: () => recent }
}
