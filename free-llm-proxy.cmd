@echo off
rem Finds a JDK 25, builds the jar when it is missing, and starts the proxy. The twin of the script without .cmd.
setlocal EnableExtensions EnableDelayedExpansion
set "home=%~dp0"
set "jar=%home%target\free-llm-proxy.jar"
set "java_home="
set needed_java=25

if defined JAVA_HOME call :look "%JAVA_HOME%"
if not defined java_home for /f "delims=" %%j in ('where java 2^>nul') do if not defined java_home (
  for %%d in ("%%~dpj..") do call :look "%%~fd"
)
if not defined java_home for %%r in (
  "%ProgramFiles%\Eclipse Adoptium" "%ProgramFiles%\Java" "%ProgramFiles%\Microsoft" "%ProgramFiles%\Zulu"
  "%ProgramFiles%\Amazon Corretto" "%ProgramFiles%\BellSoft" "%USERPROFILE%\.jdks" "%USERPROFILE%\scoop\apps"
) do if exist "%%~r" for /d %%d in ("%%~r\*") do (
  if not defined java_home call :look "%%~fd"
  if not defined java_home if exist "%%~fd\current" call :look "%%~fd\current"
)
if not defined java_home (
  echo free-llm-proxy needs a JDK 25 or newer, and none was found in JAVA_HOME, on the PATH or in the usual folders. 1>&2
  echo Get one, for example:  winget install EclipseAdoptium.Temurin.25.JDK 1>&2
  echo Then open a new terminal, or set JAVA_HOME to it. 1>&2
  exit /b 69
)

if not exist "%jar%" (
  where mvn >nul 2>nul
  if errorlevel 1 (
    echo free-llm-proxy must be built once and needs Maven 3.8 or newer for it: mvn was not found on the PATH. 1>&2
    echo Get it, for example:  scoop install maven   or   choco install maven 1>&2
    exit /b 69
  )
  echo Building free-llm-proxy ^(once; up to a minute, some more where Maven downloads first^) ... 1>&2
  pushd "!home!"
  call mvn -q -B -Dstyle.color=never -Dmaven.test.skip=true package 1>&2
  set built=!errorlevel!
  popd
  if not "!built!"=="0" (
    echo The build failed; run mvn package in !home! to see why. 1>&2
    exit /b 69
  )
)

rem With the other expansion an argument would lose its exclamation marks.
setlocal DisableDelayedExpansion
"%java_home%\bin\java.exe" "@%home%packaging\java-options" %JAVA_OPTS% -jar "%jar%" %*
exit /b %errorlevel%

rem Sets java_home to this folder where it is a JDK that is new enough: it says so in its release file.
:look
if not exist "%~1\bin\java.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "tokens=2 delims==" %%v in ('findstr /b "JAVA_VERSION=" "%~1\release"') do (
  for /f "delims=." %%m in ("%%~v") do if %%m GEQ %needed_java% set "java_home=%~1"
)
exit /b 0
