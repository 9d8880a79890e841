/** Does the work for every item, even if some fail. Then throws all failures as one error. */
export async function collectErrors<T>(
  prefix: string,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const messages: string[] = []
  for (const item of items) {
    try {
      await work(item)
    } catch (error) {
      messages.push((error as Error).message)
    }
  }
  const distinct = [...new Set(messages)]
  if (distinct.length === 0) return
  throw new Error(`${prefix}: ${distinct.length === 1 ? distinct[0] : `[${distinct.join(', ')}]`}`)
}
