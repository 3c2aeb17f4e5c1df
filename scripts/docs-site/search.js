// Finds sections by the words of their titles and of their pages.
const FOUND_MAX = 12
const root = document.body.dataset.root
const input = document.querySelector('input[type=search]')
const list = document.querySelector('.found')

input.addEventListener('input', () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
  const isFound = ({ page, text }) => words.every((word) => `${page} ${text}`.toLowerCase().includes(word))
  const found = words.length === 0 ? [] : window.sections.filter(isFound).slice(0, FOUND_MAX)
  list.replaceChildren(...found.map(itemOf))
  list.hidden = found.length === 0
})

input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') list.querySelector('a')?.click()
  if (event.key === 'Escape') {
    input.value = ''
    list.hidden = true
  }
})

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target === input) return
  event.preventDefault()
  input.focus()
})

function itemOf({ page, text, href }) {
  const link = document.createElement('a')
  link.href = `${root}/${href}`
  link.textContent = page === text ? text : `${page}: ${text}`
  const item = document.createElement('li')
  item.append(link)
  return item
}
