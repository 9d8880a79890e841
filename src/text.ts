/** The largest number of list items in a message. */
const maxListed = 10

/** Joins items with commas and `and`: at most ten items, then the number of the other items. */
export function listed(items: string[]): string {
  const shown =
    items.length > maxListed
      ? [...items.slice(0, maxListed), `${items.length - maxListed} more`]
      : items
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

/** A text of at most the given length. An ellipsis replaces the rest. */
export const truncated = (text: string, length: number) =>
  text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text

/**
 * A copy of a text, cut to the given length. Use it for text that is kept longer than its request:
 * V8 keeps the whole text in memory for a slice.
 */
export const cutCopy = (text: string, length: number) =>
  Buffer.from(text.slice(0, length)).toString()

/** A number with its noun: `1 pod`, `3 pods`. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** The number of Unicode characters, as the API server counts them. */
export function charactersOf(text: string): number {
  let count = text.length
  for (const character of text) if (character.length === 2) count--
  return count
}
