/** Random choices that a seed repeats. */
export interface Random {
  /** A whole number from 0 below `limit`. */
  below(limit: number): number
  /** One of some items. */
  oneOf<Item>(items: readonly Item[]): Item | undefined
}

/** Mulberry32: a small generator, good enough to choose what happens next. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  return { below, oneOf: (items) => items[below(items.length)] }
}
