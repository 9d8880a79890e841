/**
 * The flags of Node for the hook, in `npm start`, the image and the benchmark. A test compares them
 * with package.json and the Dockerfile.
 */
export const nodeFlags = [
  // A request cannot reach the prototype of an object by a key named __proto__.
  '--disable-proto=delete',
  // Under load these two flags reduce p99 from 170 to 6 ms, and memory from 201 to 105 MiB
  // (bench/results/2026-11-29.md).
  '--max-semi-space-size=4',
  '--min-semi-space-size=4',
]

/**
 * The flags that confine the hook in the image. It may read only the files below these folders. It
 * may not write files, start processes or workers, or load addons.
 */
export const permissionFlags = [
  '--permission',
  '--allow-fs-read=/app',
  '--allow-fs-read=/etc/myapp-operator',
]
