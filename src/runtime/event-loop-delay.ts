/** How late the event loop runs what is due. */
export interface EventLoopDelay {
  /** By how much it has been late of late, in ms: one long turn, as at the start, counts for half and is forgotten soon. */
  recent: () => number
}

let followed: EventLoopDelay | undefined

/** The delay of the one event loop that there is, followed from the first time that anybody asks. */
export function eventLoopDelay(): EventLoopDelay {
  followed ??= follow(1000)
  return followed
}

/**
 * Follows the delay with a timer that is due now and then. Node's own monitor wakes an idle process a hundred times a second, which is most of the time that such a process uses.
 */
function follow(everyMs: number): EventLoopDelay {
  let due = performance.now() + everyMs
  let recent = 0
  setInterval(() => {
    const late = Math.max(0, performance.now() - due)
    recent = (recent + late) / 2
    due = performance.now() + everyMs
  }, everyMs).unref()
  return { recent: () => recent }
}
