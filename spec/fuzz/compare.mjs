// Compares our parser with JSON.parse on the files of some directories and mutations of them. Our parser must reject
// what JSON.parse rejects. It may reject what JSON.parse accepts only for a reason in the list below that is true for
// the document. compare.mjs directory …

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

const MUTATIONS = 8 // of each file

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// The value of a document, in an object; null if it is not JSON.
function reference(bytes) {
  try {
    return { value: JSON.parse(decoder.decode(bytes)) }
  } catch {
    return null
  }
}

// The tokens of a valid JSON text.
function tokens(bytes) {
  return decoder.decode(bytes).match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gs)
}

function* strings(value) {
  if (typeof value === 'string') yield value
  if (value === null || typeof value !== 'object') return
  for (const [name, item] of Object.entries(value)) {
    yield name
    yield* strings(item)
  }
}

function countMembers(value) {
  if (value === null || typeof value !== 'object') return 0
  const items = Object.values(value)
  return (Array.isArray(value) ? 0 : items.length) + items.reduce((sum, item) => sum + countMembers(item), 0)
}

function depthOf(list) {
  let depth = 0
  let maximum = 0
  for (const token of list) {
    if (token === '[' || token === '{') maximum = Math.max(maximum, ++depth)
    if (token === ']' || token === '}') depth--
  }
  return maximum
}

// For each of our reasons, whether it is true for a document that JSON.parse accepts.
const reasons = {
  'duplicate member name': (list, value) => list.filter((token) => token === ':').length > countMembers(value),
  // checks the tokens, because JSON.parse keeps only the last of two equal members
  'lone surrogate escape': (list) =>
    list.some((token) => token[0] === '"' && !JSON.parse(token).isWellFormed()),
  'nested too deeply': (list) => depthOf(list) > 64,
  'too many members': (list) => list.filter((token) => token === ':').length > 1024,
  'too many values': (list) => list.filter((token) => !/^[\]}:,]$/.test(token)).length > 65536,
  'number too long': (list) => list.some((token) => token.length > 256 && token[0] !== '"')
}

function problem(bytes, [kind, reason]) {
  const theirs = reference(bytes)
  const accepted = kind === 'event' || kind === 'bad_event'
  if (theirs === null) return accepted ? 'our parser accepts what JSON.parse rejects' : null
  const list = tokens(bytes)
  if (accepted) {
    const broken = Object.keys(reasons).find((name) => reasons[name](list, theirs.value))
    return broken ? `our parser accepts it in spite of: ${broken}` : null
  }
  if (!(reason in reasons)) return `our parser rejects what JSON.parse accepts: ${reason}`
  return reasons[reason](list, theirs.value) ? null : `the reason is not true: ${reason}`
}

// A generator with a fixed seed, so that each run is the same.
let seed = 1
function random(below) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}

const PIECES = ['"', '\\', '{', '}', '[', ']', ':', ',', '0', '-', '.', 'e', '\n', '\0', '\\u', '\\ud800', 'null', '""', '{}',
  '\x1f', '\x7f', '\x80', '\xc3', '\xed\xa0\x80', '\xef\xbb\xbf', '\xf4\x90'].map((text) => Buffer.from(text, 'latin1'))

// Inserts pieces, deletes bytes or repeats parts of the document, one to three times.
function mutate(bytes) {
  let result = bytes
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(result.length + 1)
    const cut = Math.min(result.length, at + random(4))
    const part = random(4) === 0 ? result.subarray(at, at + random(20)) : PIECES[random(PIECES.length)]
    result = Buffer.concat([result.subarray(0, at), part, result.subarray(random(2) ? at : cut)])
  }
  return result
}

// The results of our parser: a kind and a reason for each document.
function decide(documents) {
  const input = Buffer.concat(documents.flatMap((bytes) => [Buffer.from(`${bytes.length} `), bytes]))
  const result = spawnSync('tools/with-lua', ['5.4', 'spec/fuzz/decide.lua'],
    { input, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = result.stdout.toString().trimEnd().split('\n')
  if (result.status !== 0 || lines.length !== documents.length) throw new Error('decide.lua failed')
  return lines.map((line) => line.split('\t'))
}

const files = process.argv.slice(2).filter((directory) => existsSync(directory))
  .flatMap((directory) => readdirSync(directory).sort().map((name) => readFileSync(join(directory, name))))
const documents = files.flatMap((bytes) => [bytes, ...Array.from({ length: MUTATIONS }, () => mutate(bytes))])
const counts = {}
let problems = 0
decide(documents).forEach((decision, i) => {
  counts[decision[0]] = (counts[decision[0]] ?? 0) + 1
  const found = problem(documents[i], decision)
  if (found && ++problems <= 20) console.log(`${found}: ${JSON.stringify(documents[i].toString('latin1'))}`)
})
console.log(`compare: ${documents.length} documents compared with JSON.parse, ${problems} differences: ${JSON.stringify(counts)}`)
process.exitCode = problems === 0 && documents.length > 0 ? 0 : 1
