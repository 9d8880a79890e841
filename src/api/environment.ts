import Type from 'typebox'
import { childMaxBytes, formatted, list, listByKey, object, opt, rule, rules } from './fields.ts'
import { EnvVarSource } from './pod.ts'

/** The command line and the environment variables of a container. */

/**
 * The maximum size of all names and values in one env together, in characters. JSON escapes a
 * character into at most six bytes. So one env always fits into the annotation in which
 * Metacontroller keeps a copy of a child.
 */
export const envMaxCharacters = 32_768

/** Messages for env. cross-field.ts checks the same rules in TypeScript. */
export const envMessages = {
  valueFrom: 'valueFrom may not be set when value is not empty',
  size: `names and values must have at most ${envMaxCharacters} characters in total`,
}

/** A list of strings that becomes part of a command line. */
export const words = (description: string) =>
  list(
    description,
    Type.String({ maxLength: 8192 }),
    64,
    rules(
      rule(
        `self.map(one, size(one)).sum() <= ${childMaxBytes}`,
        `must have at most ${childMaxBytes} characters in total`,
      ),
    ),
  )

export const EnvVar = object(
  'An environment variable.',
  {
    name: formatted(
      'variableName',
      'Name of the variable: letters, digits, "_", "-" or ".". Must not start with a digit ' +
        'or with "..".',
      { maxLength: 256 },
    ),
    value: opt(
      Type.String({
        description:
          'Value of the variable. $(NAME) expands to the value of an earlier variable. ' +
          'Defaults to the empty string.',
        maxLength: envMaxCharacters,
      }),
    ),
    valueFrom: opt(EnvVarSource),
  },
  rules(
    rule("!has(self.valueFrom) || !has(self.value) || self.value == ''", envMessages.valueFrom),
  ),
)

/** Environment variables of a container. */
export const env = (description: string, maxItems: number) =>
  listByKey(
    `${description} At most ${envMaxCharacters} characters in total.`,
    EnvVar,
    maxItems,
    'name',
    rules(
      rule(
        'self.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0)).sum() <= ' +
          `${envMaxCharacters}`,
        envMessages.size,
      ),
    ),
  )

export type EnvVar = Type.Static<typeof EnvVar>
