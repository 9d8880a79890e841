/**
 * The flags of Node for the hook, in `npm start`, the image and the benchmark. A test compares them
 * with package.json and the Dockerfile.
 */
export const nodeFlags = [
  // A request cannot reach the prototype of an object by a key named __proto__.
  '--disable-proto=delete',
  // Under load, p99 is 4 and not 170 ms, and memory 105 and not 201 MiB
  // (bench/results/2026-11-29.md).
  '--max-semi-space-size=4',
  '--min-semi-space-size=4',
]

/**
 * The flags that confine the hook in the image: it reads the files below these folders and nothing
 * else. It writes no file and starts no process, worker or addon.
 */
export const permissionFlags = [
  '--permission',
  '--allow-fs-read=/app',
  '--allow-fs-read=/etc/myapp-operator',
]
