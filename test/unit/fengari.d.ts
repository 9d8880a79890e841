/** The part of fengari (Lua in JavaScript) that the tests use. The package has no types. */
declare module 'fengari' {
  interface State {
    readonly brand: unique symbol
  }
  const fengari: {
    to_luastring: (text: string) => Uint8Array
    to_jsstring: (text: Uint8Array) => string
    lauxlib: {
      luaL_newstate: () => State
      luaL_dostring: (state: State, code: Uint8Array) => number
    }
    lualib: { luaL_openlibs: (state: State) => void }
    lua: { lua_tostring: (state: State, index: number) => Uint8Array | null }
  }
  export default fengari
}
