/**
 * The flags with which `npm start`, the image, the warm-up of the code cache and the benchmark run
 * the hook. A test compares package.json and the Dockerfile with them.
 */
export const nodeFlags = [
  // A request cannot reach the prototype of an object by a key named __proto__.
  '--disable-proto=delete',
  // Garbage of one request fits into the young generation and never reaches the old one.
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
