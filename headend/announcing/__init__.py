"""What is said to the audience, and in which words. Pure: the operator's machine checks and previews with it, the hook
app sends with it (docs/adr/0014)."""
