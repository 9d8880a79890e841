/** Random choices that depend only on a seed. */
export interface Random {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number
  /** One of some items. */
  oneOf<Item>(items: readonly Item[]): Item | undefined
}

/** Mulberry32, a small generator that is good enough for these choices. */
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
