/**
 * An ESLint plugin that reports words and phrases which make a sentence hard to read. It checks
 * comments, strings, names, Markdown and YAML.
 */

/** Each phrase as a regular expression, with its replacement. */
const phrases = {
  'for ever': 'forever, or repeatedly',
  shall: 'must, or the present tense',
  'spoken of': 'described',
  'asked for': 'requested, or set',
  told: 'reported, logged or configured',
  '(?:is|are|was|were) to be': 'must be',
  anew: 'again, or recreate and restart',
  'at (?:its|their) end': 'at shutdown, or when it ends',
  'all the same': 'nevertheless, or the sentence without these words',
  'without a word': 'silently',
  'what (?:is|was) left': 'the remaining',
  'now and then': 'sometimes, or the interval',
  'by when': 'the deadline',
  'no whole numbers?': 'not an integer',
  'as it were': 'the sentence without these words',
  strays: 'foreign fields or entries',
  patience: 'the time, or the timeout',
  '(?:has|have|leaves?|makes?) room': 'enough memory, space or capacity',
  'as it should be': 'as desired',
  'gets? to Running': 'becomes Running',
}

/** Phrases in these sentences are accepted. */
const allowed = []

const pattern = new RegExp(`\\b(?:${Object.keys(phrases).join('|')})\\b`, 'gi')

/** Returns the advice for a found phrase. */
const adviceFor = (found) =>
  Object.entries(phrases).find(([phrase]) => new RegExp(`^${phrase}$`, 'i').test(found))?.[1]

const words = {
  meta: { type: 'suggestion', schema: [] },
  create: (context) => ({
    'Program, text': (node) => {
      for (const [index, line] of context.sourceCode.lines.entries()) {
        if (allowed.some((sentence) => line.includes(sentence))) continue
        for (const { 0: found, index: column } of line.matchAll(pattern)) {
          context.report({
            node,
            loc: {
              start: { line: index + 1, column },
              end: { line: index + 1, column: column + found.length },
            },
            message: `"${found}" is hard to read: write ${adviceFor(found)}`,
          })
        }
      }
    },
  }),
}

/** A file without a syntax tree. */
class Text {
  constructor(text) {
    this.text = text
    this.lines = text.split('\n')
    this.ast = { type: 'text', range: [0, text.length] }
  }

  traverse() {
    return [{ kind: 1, phase: 1, target: this.ast, args: [this.ast] }]
  }

  getLoc() {
    return { start: { line: 1, column: 0 }, end: { line: 1, column: 0 } }
  }
}

/** The language of files that ESLint has no parser for. */
const text = {
  fileType: 'text',
  lineStart: 1,
  columnStart: 0,
  nodeTypeKey: 'type',
  validateLanguageOptions: () => {},
  parse: ({ body }) => ({ ok: true, ast: { type: 'text', body } }),
  createSourceCode: ({ body }) => new Text(body),
}

export default { rules: { words }, languages: { text } }
