import { editorPattern, formatOf } from '../src/api/formats.ts'
import { MyApp } from '../src/api/myapp.ts'

/** A JSON Schema (draft-07) of a complete MyApp, for completion and checks in editors. */
export const editorSchema = (): object => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'MyApp',
  ...(forEditors(MyApp) as object),
})

/** The text of manifests/schema/myapp.schema.json. */
export const editorSchemaText = () => JSON.stringify(editorSchema(), null, 2) + '\n'

/**
 * Removes the keywords that only the CRD uses. Replaces a named format by a pattern, and by a
 * message that editors show.
 */
function forEditors(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(forEditors)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([keyword, content]) => !keyword.startsWith('x-') && content !== undefined)
      .flatMap(([keyword, content]) =>
        keyword === 'format' && typeof content === 'string'
          ? formatForEditors(content)
          : [[keyword, forEditors(content)]],
      ),
  )
}

function formatForEditors(name: string): Array<[keyword: string, content: string]> {
  const format = formatOf(name)
  if (format !== undefined) {
    return [
      ['pattern', editorPattern(format)],
      ['patternErrorMessage', format.message],
    ]
  }
  return name.startsWith('int') ? [] : [['format', name]]
}
