-- Makes src/figures/latex/commands.txt: the commands that TeX, LaTeX and the packages of many papers define. In this folder:
--
--   lualatex '\documentclass{article}\usepackage{amsmath,amssymb,amsthm,booktabs,array,multirow,natbib,url}\begin{document}
--     \directlua{dofile("commands.lua")}x\end{document}' && mv commands.txt ../../src/figures/latex/
--
-- Commands of packages that are not loaded there, because they define thousands of others, stand in `more`.

local more = [[
  includegraphics graphicspath rotatebox scalebox resizebox color textcolor definecolor colorlet cellcolor rowcolor href
  autoref nameref hyperref hypersetup cref Cref num qty SI si unit ang subcaption subfloat captionof captionsetup algorithm
  todo pdfoutput xspace
]]
local names = {}
local function add(name)
  -- No command can begin with `end`.
  if name:match("^[a-zA-Z]+$") and not name:match("^end") then
    names[name] = true
  end
end
for _, name in ipairs(tex.hashtokens()) do
  -- Of active characters and the like there are no tokens.
  if name:match("^%a+$") and token.create(name).cmdname ~= "undefined_cs" then add(name) end
end
for _, name in ipairs(tex.primitives()) do add(name) end
for name in more:gmatch("%a+") do add(name) end
local sorted = {}
for name in pairs(names) do sorted[#sorted + 1] = name end
table.sort(sorted)
local file = io.open("commands.txt", "w")
file:write("# Commands that TeX, LaTeX and the packages of many papers define: a paper cannot define them again.\n")
file:write("# Made by tests/latex/commands.tex; do not edit.\n")
local line = ""
for _, name in ipairs(sorted) do
  if #line + #name + 1 > 120 then
    file:write(line, "\n")
    line = name
  else
    line = line == "" and name or line .. " " .. name
  end
end
file:write(line, "\n")
file:close()
