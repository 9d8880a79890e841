/** Writes one line of the log, with the time. */
export const log = (message: string): void => console.log(`${new Date().toISOString()} ${message}`)

/** The message of an error. That of `fetch` is in its cause. */
export function messageOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message : message
}
