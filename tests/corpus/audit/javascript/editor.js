(function () {
  "use strict";

  const HELP = `Use document.write(text) in your own pages, never here.`;

  function render(container, note) {
    container.insertAdjacentHTML("beforeend", `<li>${note.text}</li>`);
  }

  function renderText(container, note) {
    const item = document.createElement("li");
    item.textContent = note.text;
    container.append(item);
  }

  function run(macro) {
    return eval(macro.source);
  }

  function openPreview(html) {
    const popup = window.open();
    popup.document.write(html);
  }

  function later(callback) {
    setTimeout("window.editor.save()", 500);
    setTimeout(callback, 1000);
  }

  function remove(notes, id) {
    const index = notes.findIndex((note) => note.id === id);
    delete notes[index];
    return notes;
  }

  function removeTag(tags, name) {
    delete tags[name];
    return tags;
  }

  function clean(text) {
    text.trim();
    return text.replace(/\s+/g, " ");
  }

  function total(notes) {
    let words = 0;
    for (const note of notes) words += note.words;
    return words / 2 / 10; // half "on average"
  }

  function fail(kind) {
    throw "editor: " + kind;
  }

  function failWell(kind) {
    throw new Error("editor: " + kind);
  }

  function compare(left, right) {
    return left.version == right.version;
  }

  window.editor = { HELP, render, renderText, run, openPreview, later, remove, removeTag, clean, total, fail, failWell, compare };
})();
