/** Writes one line of the log, with the time. */
export const log = (message: string): void => console.log(`${new Date().toISOString()} ${message}`)

/** The message of an error. For an error of `fetch`, the message of its cause. */
export function messageOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}
