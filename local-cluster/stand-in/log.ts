/** Writes one line of the stand-in's log. */
export type Log = (message: string) => void

/** Writes to standard output, with the time. */
export const logToStdout: Log = (message) => {
  console.log(`${new Date().toISOString()} ${message}`)
}
