// Streamlit puts groups between the rail's list and its items, which is no list to a screen reader; links in a navigation are plain.
const plain = () => {
  for (const node of document.querySelectorAll("[data-testid=stSidebarNavItems], [data-testid=stSidebarNavItems] li")) {
    if (node.role !== "presentation") node.role = "presentation";
  }
};
if (!window.deltalabRail) {
  window.deltalabRail = new MutationObserver(plain);
  window.deltalabRail.observe(document.body, { childList: true, subtree: true });
}
plain();
